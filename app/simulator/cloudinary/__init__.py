"""Cloudinary's wire format: signed uploads, deletion, delivery with widths."""
