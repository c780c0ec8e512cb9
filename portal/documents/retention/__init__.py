"""How long documents are kept: rules, legal holds, erasure, and the one decision between them."""
