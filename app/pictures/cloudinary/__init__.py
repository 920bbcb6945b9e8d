"""Pictures in the cloud of a Cloudinary account."""
