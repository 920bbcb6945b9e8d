"""The dream journal: dreams are written down, interpreted and illustrated."""
