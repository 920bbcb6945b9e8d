"""Who may do what is for administrators, as whoever runs the server decides."""
