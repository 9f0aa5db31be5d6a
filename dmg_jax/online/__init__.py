"""One loop of acting, storing and learning."""
