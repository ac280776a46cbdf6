"""s3sim"""
