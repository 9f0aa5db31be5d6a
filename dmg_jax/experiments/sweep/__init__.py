"""Plans over several processes or machines: slices of a plan, each an ordinary run directory."""
