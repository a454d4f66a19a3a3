"""File formats of images with labels: detection by content, and a reader for each format."""
