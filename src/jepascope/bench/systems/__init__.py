"""Systems of causal-abstraction-eval: explanations that are valid and explanations that are not, and what exchanges say of them."""
