"""What s3mover is delivered as: the image, the compose file, the chart, the manifests, the unit."""
