"""Changes of training pictures, and mixes of them."""
