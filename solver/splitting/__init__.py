"""Many services at once: split by workload, priced, and put together again with a proof."""
