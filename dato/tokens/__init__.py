"""Token pruning (paper section 3.2): which tokens a call keeps, and the hooks that prune them."""
