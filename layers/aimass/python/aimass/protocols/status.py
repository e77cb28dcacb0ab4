"""The one table from an error's code to its HTTP status."""

from __future__ import annotations

from aimass.domain.errors import AimassError

STATUS = {
    "invalid_arguments": 400,
    "prediction_failed": 400,
    "not_found": 404,
    "model_not_found": 404,
    "version_not_found": 404,
    "alias_not_found": 404,
    "job_not_found": 404,
    "upload_not_found": 404,
    "key_not_found": 404,
    "route_not_found": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "version_taken": 409,
    "version_not_ready": 409,
    "upload_incomplete": 409,
    "job_exists": 409,
    "job_not_retryable": 409,
    "job_not_cancellable": 409,
    "version_held": 409,
    "revision_changed": 409,
    "nothing_to_roll_back": 409,
    "not_deleted": 409,
    "model_deleted": 409,
    "last_key": 409,
    "idempotency_in_progress": 409,
    "payload_too_large": 413,
    "import_refused": 422,
    "unsupported_format": 422,
    "truncated_model": 422,
    "invalid_model": 422,
    "unknown_operator": 422,
    "opset_too_new": 422,
    "external_data_missing": 422,
    "external_data_escapes": 422,
    "unsafe_archive": 422,
    "archive_too_large": 422,
    "ambiguous_archive": 422,
    "invalid_sample": 422,
    "sample_needed": 422,
    "labels_mismatch": 422,
    "model_timeout": 422,
    "model_out_of_memory": 422,
    "model_crashed": 422,
    "digest_mismatch": 422,
    "idempotency_mismatch": 422,
    "limit_exceeded": 429,
    "too_many_calls": 429,
    "internal_error": 500,
    "not_supported": 501,
    "artifact_busy": 503,
    "busy": 503,
    "capacity_exhausted": 503,
    "prediction_timeout": 504,
    "prediction_out_of_memory": 507,
}


def status_of(error: AimassError) -> int:
    """The HTTP status that answers this error."""
    return STATUS[error.code]
