"""What calls to providers use, what that costs, and how much of it is allowed."""
