"""A bucket as a whole: existence, region, versioning, Object Lock, website."""

from simulator.access import require_bucket
from simulator.call import Call
from simulator.refusals import Refusal
from simulator.wire import Reply
from simulator.xml import document, element


def head_bucket(call: Call) -> Reply:
    """Show that the bucket is there (S3 API: HeadBucket)."""
    headers = [("x-amz-bucket-region", call.bucket.region), ("x-amz-access-point-alias", "false")]
    return Reply(200, [*headers, ("Content-Type", "application/xml")])


def permit_location(call: Call) -> None:
    """Require the permission to know where the bucket is."""
    require_bucket(call, "s3:GetBucketLocation", call.bucket)


def get_bucket_location(call: Call) -> Reply:
    """Return the bucket's region, nothing for us-east-1 (S3 API: GetBucketLocation)."""
    region = call.bucket.region
    return Reply(200, [], document("LocationConstraint", "" if region == "us-east-1" else region))


def permit_versioning(call: Call) -> None:
    """Require the permission to read whether the bucket keeps versions."""
    require_bucket(call, "s3:GetBucketVersioning", call.bucket)


def get_bucket_versioning(call: Call) -> Reply:
    """Return whether the bucket keeps versions (S3 API: GetBucketVersioning)."""
    return Reply(
        200, [], document("VersioningConfiguration", element("Status", call.bucket.versioning or None))
    )


def permit_object_lock(call: Call) -> None:
    """Require the permission to read whether the bucket has Object Lock."""
    require_bucket(call, "s3:GetBucketObjectLockConfiguration", call.bucket)


def get_object_lock_configuration(call: Call) -> Reply:
    """Return that the bucket has Object Lock (S3 API: GetObjectLockConfiguration)."""
    if not call.bucket.object_lock:
        raise Refusal("ObjectLockConfigurationNotFoundError")
    return Reply(200, [], document("ObjectLockConfiguration", element("ObjectLockEnabled", "Enabled")))


def permit_website(call: Call) -> None:
    """Require the permission to read whether the bucket is a website."""
    require_bucket(call, "s3:GetBucketWebsite", call.bucket)


def get_bucket_website(call: Call) -> Reply:
    """Return the website settings (S3 API: GetBucketWebsite)."""
    if not call.bucket.website:
        raise Refusal("NoSuchWebsiteConfiguration")
    index = f"<IndexDocument>{element('Suffix', 'index.html')}</IndexDocument>"
    return Reply(200, [], document("WebsiteConfiguration", index))
