"""The decision: candidates, program, backends, plan, check. No physics, no files."""
