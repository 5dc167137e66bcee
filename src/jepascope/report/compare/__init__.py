"""Several runs side by side: reading them, what makes them differ, their table, figures and page, and the paper's figures beside them."""
