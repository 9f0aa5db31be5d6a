"""The paper's numbers, and the comparison with them."""
