"""What runs a study: it joins the question with its records, and no other room of `studies` knows Ray."""
