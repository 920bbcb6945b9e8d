"""What goes wrong with a database, in sentences for the operator."""


class DatabaseError(Exception):
    """A failure of the database, its server or its files; the text says what to do and holds no credentials.

    It is not for API users: it may name files and settings. The command line prints it and ends.
    """


class DataFolderInUseError(DatabaseError):
    """Another server works on the same data folder."""
