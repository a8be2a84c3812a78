"""Why a plan is the best, and what would have to give where there is none."""
