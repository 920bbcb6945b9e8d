"""Where documents live: which server, how it is started, and what each document carries."""
