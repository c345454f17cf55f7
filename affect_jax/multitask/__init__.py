"""Ways to balance tasks; to add one, write its module and name it here."""
