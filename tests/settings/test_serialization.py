"""Settings on their way from one process to another."""

from pathlib import Path

from s3mover.settings import Settings, setting_names, value_of
from s3mover.settings.load import load
from s3mover.settings.serialization import dumps, loads

OTHERS = """
source: {bucket: buck, prefix: "d\\u00f6cs/ \\U0001F600", access_key: AKIA, secret_key: very/secret, session_token: tok,
  account_id: "012345678901", region: eu-west-1, endpoint_url: "http://h:1", addressing: path,
  profile: p, external_id: x,
  role_arn: "arn:aws:iam::123456789012:role/r", request_payer: true,
  events: {queue: "https://sqs.eu-west-1.amazonaws.com/123456789012/q", region: eu-west-1, endpoint_url: "http://h:2",
    credentials: destination, wait: 5s, receivers: 3, batch: 1m}}
destination: {bucket: theirs, prefix: "", acl: private, encryption: "aws:kms", kms_key_id: k,
  storage_class: GLACIER_IR, region: eu-west-2,
  account_id: "012345678901", access_key: AKIA, secret_key: s, session_token: t, endpoint_url: "https://i",
  addressing: virtual, profile: q,
  role_arn: "arn:aws:iam::123456789012:role/s", external_id: y, request_payer: requester}
transfer: {method: streaming, threads: 7, processes: 2, large_objects: report, part_size: 5MiB, after: delete,
  thorough: never, restore: {tier: bulk, days: 5}, max_attempts: 3, timeout: 9s, annotations: copy,
  requests_per_second: 0.5, bandwidth: 1MB}
filter: {include: ["*.pdf", 'a"b'], exclude: "x, y", min_age: 1h}
sweep: {interval: 500ms, ranges: 3, retry_wait: 1s, retry_wait_longest: 2s,
  windows: [{days: mon-fri, hours: "22:00-06:00", time_zone: Europe/Berlin}, {days: [sat]}]}
deletions: {scope: all, confirm: 3, min_age: 2h, max_objects: 5, max_share: 12.5%}
audit: {url: "mysql://u:hidden@h/n", retention: 30d, signing_key_file: k.pem, anchor: "s3://seals/x",
  anchor_retention: 9d, anchor_access: {region: r, endpoint_url: "http://h", addressing: path, access_key: b,
  secret_key: hidden, session_token: hidden, profile: p, role_arn: "arn:aws:iam::123456789012:role/x", external_id: x}}
scale: {scheduler: "tls://h:1", ca_file: a.pem, certificate_file: b.pem, key_file: c.pem, dashboard: true}
prices: {file: prices.yaml, location: internet}
limits: {cost_per_day: 2.50}
http: {host: "::1", port: 0, url: "http://h:8080"}
control: {socket: none}
kubernetes: {leader_label: x.io/leader, pod: s3mover-0}
log: {level: debug, format: json}
summary: {directory: "/tmp/ü", keep: 9}
stop: {grace: 3s}
"""
ROUTES = """
routes: [{name: hr, sweep: {windows: []}, destination: {prefix: hr/}},
  {name: it, source: {bucket: it-docs, events: {queue: "https://sqs.eu-west-1.amazonaws.com/123456789012/it"}}}]
"""


def test_whatever_is_set_arrives() -> None:
    """Every setting, of every kind of value, and the routes with what is their own."""
    file = Path("others.yaml")
    file.write_text(OTHERS + ROUTES, encoding="utf-8")
    Path("prices.yaml").write_text("kms: {requests: 0.03}", encoding="utf-8")
    settings = load(file, {}, {})
    unset = [name for name in setting_names() if value_of(settings, name) == value_of(Settings(), name)]
    # Deletions cannot be carried over where objects are moved.
    assert unset == ["destination.prefix", "deletions.mode"]
    arrived = loads(dumps(settings))
    assert arrived == settings
    assert repr(arrived) == repr(settings)
    assert [type(its.filter.include) for _, its in arrived.routes] == [tuple, tuple]


def test_what_is_not_set_need_not_travel() -> None:
    """The defaults are the same at both ends, and one line is one message."""
    assert dumps(Settings()) == "[{}, []]"
    assert loads(dumps(Settings())) == Settings()
    assert dumps(load(None, {"SRC_PREFIX": "ä\n/", "SRC_BUCKET": "a-b", "DST_BUCKET": "c-d"}, {})).isascii()
