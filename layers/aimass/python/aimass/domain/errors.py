"""Every error that a caller can be told. Errors know no HTTP: `protocols.status` maps each code to a status."""

from __future__ import annotations

from typing import Any, ClassVar, Self


class AimassError(Exception):
    """Root of the tree. `code` is stable and public; `details` are facts a program can read (JSON values only)."""

    code: ClassVar[str]

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class InvalidArguments(AimassError):
    """The request is malformed; `details["fields"]` maps each field to what is wrong with it, where known."""

    code = "invalid_arguments"

    @classmethod
    def of_fields(cls, problems: dict[str, str]) -> InvalidArguments:
        """Names every field with its problem, in the text too."""
        told = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
        return cls(f"invalid arguments: {told}", fields=problems)


class PayloadTooLarge(AimassError):
    """More bytes than this way in takes; the message names the way that does."""

    code = "payload_too_large"


class NotFound(AimassError):
    """No such thing for this tenant."""

    code = "not_found"


class ModelNotFound(NotFound):
    code = "model_not_found"


class VersionNotFound(NotFound):
    code = "version_not_found"


class VariantNotFound(NotFound):
    code = "variant_not_found"


class AliasNotFound(NotFound):
    code = "alias_not_found"


class JobNotFound(NotFound):
    code = "job_not_found"


class UploadNotFound(NotFound):
    code = "upload_not_found"


class KeyNotFound(NotFound):
    code = "key_not_found"


class RouteNotFound(NotFound):
    code = "route_not_found"


class Conflict(AimassError):
    """The thing is not in the state that the call needs."""

    code = "conflict"


class Busy(Conflict):
    """Other changes to the same things were under way all the time; `details["retry_after"]` is in seconds."""

    code = "busy"


class VersionTaken(Conflict):
    """That version number was used before; numbers are never reused."""

    code = "version_taken"


class JobExists(Conflict):
    """A job of that id was made before, by a doubled event."""

    code = "job_exists"


class VersionNotReady(Conflict):
    """The version is still importing, or its import failed."""

    code = "version_not_ready"


class NotServable(VersionNotReady):
    """The version is kept as it is, and nothing here answers with it; `details["state"]` is `stored`."""

    code = "not_servable"

    @classmethod
    def stored(cls, model: str, version: int) -> NotServable:
        """Of a version that is kept as it came."""
        text = f"version {version} of {model!r} is stored, needs a language-model target; it can be downloaded"
        return cls(text, model=model, version=version, state="stored")


class UploadIncomplete(Conflict):
    """The parts named do not make up the file that was announced."""

    code = "upload_incomplete"


class JobNotRetryable(Conflict):
    code = "job_not_retryable"


class JobNotEnded(Conflict):
    """The job has no answer yet; `details["state"]` says where it is."""

    code = "job_not_ended"


class NoAnswer(Conflict):
    """The job ended without an answer, or is of a kind that has none."""

    code = "no_answer"


class AnswerExpired(AimassError):
    """The job's body and answer were kept for a week and are gone."""

    code = "answer_expired"


class WebhookSecretMissing(Conflict):
    """A webhook is signed, and this tenant has no secret yet."""

    code = "webhook_secret_missing"


class JobNotCancellable(Conflict):
    """The job has ended."""

    code = "job_not_cancellable"


class VersionHeld(Conflict):
    """Aliases point at the version; `details["aliases"]` names them."""

    code = "version_held"


class CompressionRunning(Conflict):
    """The version is being compressed already; `details["job_id"]` is the job that does it."""

    code = "compression_running"

    @classmethod
    def by(cls, job_id: str, model: str, version: int) -> Self:
        """Of the job that holds this version."""
        return cls(
            f"version {version} of {model!r} is being compressed by job {job_id}; "
            f"wait for it, or end it with POST /api/v1/jobs/{job_id}/cancel",
            job_id=job_id,
            model=model,
            version=version,
        )


class VariantServing(Conflict):
    """The variant is what the version answers with: another one has to be chosen first."""

    code = "variant_serving"


class RevisionChanged(Conflict):
    """The alias is at another revision than the one its move was conditional on."""

    code = "revision_changed"


class NothingToRollBack(Conflict):
    """The alias never pointed at another version that is still ready."""

    code = "nothing_to_roll_back"


class NotDeleted(Conflict):
    """Only what was deleted can be restored or purged."""

    code = "not_deleted"


class ModelDeleted(Conflict):
    """The model's name is held by a deleted model: restore it or purge it."""

    code = "model_deleted"


class LastKey(Conflict):
    """The tenant's last key can be rotated, not revoked."""

    code = "last_key"


class IdempotencyInProgress(Conflict):
    """The first call with this Idempotency-Key has not ended yet."""

    code = "idempotency_in_progress"


class IdempotencyMismatch(AimassError):
    """The Idempotency-Key was used with another body."""

    code = "idempotency_mismatch"


class LimitExceeded(AimassError):
    """The tenant's limit; `details` name limit, used, asked, and `retry_after` seconds where waiting helps."""

    code = "limit_exceeded"


class TooManyCalls(LimitExceeded):
    """More calls this second than the tenant may make."""

    code = "too_many_calls"


class ArtifactBusy(AimassError):
    """The artifact is being swept; storing it again can be tried in a moment."""

    code = "artifact_busy"


class ImportRefused(AimassError):
    """The upload cannot become a version. Subclasses say why; retrying the same bytes cannot help."""

    code = "import_refused"


class UnsupportedFormat(ImportRefused):
    """Recognised, or not, but nothing this platform converts; the message names what is accepted."""

    code = "unsupported_format"


class TruncatedModel(ImportRefused):
    code = "truncated_model"


class InvalidModel(ImportRefused):
    """The runtime refuses the graph: a type error, a cycle, a missing input."""

    code = "invalid_model"


class UnknownOperator(ImportRefused):
    code = "unknown_operator"


class OpsetTooNew(ImportRefused):
    code = "opset_too_new"


class ExternalDataMissing(ImportRefused):
    code = "external_data_missing"


class ExternalDataEscapes(ImportRefused):
    """External data lies outside the model's folder."""

    code = "external_data_escapes"


class UnsafeArchive(ImportRefused):
    """An archive that escapes its folder, follows links or holds special files."""

    code = "unsafe_archive"


class ArchiveTooLarge(ImportRefused):
    """An archive that unpacks beyond its limit, in bytes or in files."""

    code = "archive_too_large"


class AmbiguousArchive(ImportRefused):
    """Several models where one is expected."""

    code = "ambiguous_archive"


class InvalidSample(ImportRefused):
    """The sample input cannot be read, or does not fit the model's inputs."""

    code = "invalid_sample"


class LabelsMismatch(ImportRefused):
    """As many class names were given as no output has columns."""

    code = "labels_mismatch"


class InvalidDescription(ImportRefused):
    """The model description that came with the model is wrong; `details["fields"]` names the line of each problem."""

    code = "invalid_description"


class SampleNeeded(ImportRefused):
    """No generated input runs; a sample must be given."""

    code = "sample_needed"


class ModelTimeout(ImportRefused):
    """Loading or one prediction took longer than is allowed."""

    code = "model_timeout"


class ModelOutOfMemory(ImportRefused):
    """Loading or one prediction asked for more memory than the tier has."""

    code = "model_out_of_memory"


class ModelCrashed(ImportRefused):
    """The runtime died while it held the model."""

    code = "model_crashed"


class ConverterMissing(ImportRefused):
    """No environment that converts this format is installed here; the message says how to have it."""

    code = "converter_missing"


class CompressorMissing(ImportRefused):
    """The model is too large to be compressed here; the message says what would do."""

    code = "compressor_missing"


class ConversionFailed(ImportRefused):
    """The format's own library could not open the model, or not write it as ONNX; the message has its reason."""

    code = "conversion_failed"


class ConversionDrift(ImportRefused):
    """The ONNX model answers otherwise than its original; `details["differences"]` has the numbers by output."""

    code = "conversion_drift"


class UnsafePickle(ImportRefused):
    """A pickle asks for what no model needs; the message names it."""

    code = "unsafe_pickle"


class SandboxTooWeak(ImportRefused):
    """A file that can run code when it is opened, on a machine that can't shut it off."""

    code = "sandbox_too_weak"


class ArchitectureUnknown(ImportRefused):
    """Weights without what computes with them; the message says how to export both."""

    code = "architecture_unknown"


class DigestMismatch(ImportRefused):
    """The bytes that arrived are not those whose SHA-256 was announced."""

    code = "digest_mismatch"


class PredictionFailed(AimassError):
    """The runtime refused these inputs."""

    code = "prediction_failed"


class PredictionTimeout(AimassError):
    code = "prediction_timeout"


class PredictionOutOfMemory(AimassError):
    code = "prediction_out_of_memory"


class CapacityExhausted(AimassError):
    """The tier that the model needs answers as many calls as it can; `details["retry_after"]` is in seconds."""

    code = "capacity_exhausted"


class InternalError(AimassError):
    """A fault of ours; the request id finds it in the log."""

    code = "internal_error"


class MethodNotAllowed(AimassError):
    """The route takes other methods; `details["allow"]` lists them."""

    code = "method_not_allowed"


class NotSupported(AimassError):
    """A call that the protocol knows and this service does not answer."""

    code = "not_supported"
