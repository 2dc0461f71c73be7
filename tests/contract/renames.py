"""The table of renames: a name at commit d7dd1f2 to the name it has today.

The suite is written in the names of that commit. Every name that may change passes through one of
these dictionaries, so a rename changes this file and nothing else in `tests/contract/`. A name that
is missing here has not changed. Paths and words of messages are never compared.
"""

COMMANDS = {
    "ganport": "ganport",
    "sample-gan": "sample-gan",
    "serve-gan": "serve-gan",
    "train-gan": "train-gan",
    "eval-gan": "eval-gan",
    "export-gan": "export-gan",
}
"""Console scripts."""

SUBCOMMANDS = {
    "sample-gan pairs": "pairs",
    "sample-gan manipulate": "manipulate",
    "ganport dataset": "dataset",
    "ganport dataset draw": "draw",
    "ganport dataset check": "check",
    "ganport study": "study",
    "eval-gan judge": "judge",
    "eval-gan score": "score",
    "eval-gan compare": "compare",
    "eval-gan colours": "colours",
}
"""The last word of a command."""

OPTIONS = {
    "--take": "--take",
    "--phase": "--phase",
    "--spinning": "--spinning",
    "--notice": "--notice",
    "--drain": "--drain",
    "--over": "--over",
    "--whole": "--whole",
    "--strengths": "--strengths",
    "--rate": "--rate",
    "--batch": "--batch",
}
"""Options of any command."""

RECIPE = {
    "data.held_out": "data.held_out",
    "data.coding": "data.coding",
    "network.features": "network.features",
    "network.latent": "network.latent",
    "network.embedding": "network.embedding",
    "network.levels": "network.levels",
    "network.blocks": "network.blocks",
    "method.spread": "method.spread",
    "method.mismatch": "method.mismatch",
    "method.penalty": "method.penalty",
    "method.interval": "method.interval",
    "method.smoothing": "method.smoothing",
    "method.reconstruction": "method.reconstruction",
    "method.clip": "method.clip",
    "method.discriminator_steps": "method.discriminator_steps",
    "optimizer.generator_rate": "optimizer.generator_rate",
    "optimizer.discriminator_rate": "optimizer.discriminator_rate",
    "optimizer.decay": "optimizer.decay",
    "optimizer.final_share": "optimizer.final_share",
    "augment.growth": "augment.growth",
    "augment.target": "augment.target",
    "average.half_life": "average.half_life",
    "average.ramp": "average.ramp",
    "average.refresh": "average.refresh",
    "training.batch": "training.batch",
    "training.seed": "training.seed",
    "training.precision": "training.precision",
    "recovery.share": "recovery.share",
    "length.images": "length.images",
    "logging.tick": "logging.tick",
    "logging.save_minutes": "logging.save_minutes",
    "logging.score_pictures": "logging.score_pictures",
    "logging.warm_up": "logging.warm_up",
}
"""Options of a recipe, as `--set` takes them."""

RECIPES = {
    "quick": "quick",
    "flagship": "flagship",
    "celeba-stargan": "celeba-stargan",
}
"""Names of shipped recipes."""

PUBLIC = {
    "ganport_runtime.Generator": "ganport_runtime.Generator",
    "ganport_runtime.Batcher": "ganport_runtime.Batcher",
    "ganport_runtime.Bundle": "ganport_runtime.Bundle",
    "ganport_runtime.Conditions": "ganport_runtime.Conditions",
    "ganport_runtime.GanportError": "ganport_runtime.GanportError",
    "ganport_runtime.RequestError": "ganport_runtime.RequestError",
    "ganport_runtime.ConditionError": "ganport_runtime.ConditionError",
    "ganport_runtime.BundleError": "ganport_runtime.BundleError",
    "ganport_runtime.DeviceError": "ganport_runtime.DeviceError",
    "ganport_runtime.QueueFullError": "ganport_runtime.QueueFullError",
    "ganport_runtime.ClosedError": "ganport_runtime.ClosedError",
    "ganport_runtime.noise.normals": "ganport_runtime.noise.normals",
    "ganport_runtime.noise.consecutive": "ganport_runtime.noise.consecutive",
    "ganport_runtime.interpolation.spherical": "ganport_runtime.interpolation.spherical",
    "ganport_runtime.pictures.metadata": "ganport_runtime.pictures.metadata",
    "ganport_runtime.decoding.decode_picture": "ganport_runtime.decoding.decode_picture",
    "ganport_runtime.sheet.grid": "ganport_runtime.sheet.grid",
    "ganport_export.Interface": "ganport_export.Interface",
    "ganport_export.export": "ganport_export.export",
    "ganport_export.ContractError": "ganport_export.ContractError",
    "ganport_export.OptionError": "ganport_export.OptionError",
    "ganport_export.ParityError": "ganport_export.ParityError",
    "ganport_export.UnsupportedError": "ganport_export.UnsupportedError",
}
"""Names that the documentation gives to users, with their modules."""

ATTRIBUTES = {
    "abilities": "abilities",
    "best_batch": "best_batch",
    "device": "device",
    "directions": "directions",
    "draw": "draw",
    "generate": "generate",
    "job": "job",
    "last_seeds": "last_seeds",
    "noise": "noise",
    "submit": "submit",
    "submit_job": "submit_job",
    "agenerate": "agenerate",
    "arun": "arun",
    "translation_job": "translation_job",
    "retry_after": "retry_after",
    "exit_code": "exit_code",
    "one_hots": "one_hots",
    "encode_many": "encode_many",
}
"""Methods and properties of public objects."""

ARGUMENTS = {
    "spinning": "spinning",
    "in_place": "in_place",
    "stuck_after": "stuck_after",
    "max_batch": "max_batch",
    "max_queue": "max_queue",
    "resolution": "resolution",
    "precision": "precision",
    "overwrite": "overwrite",
    "allow_insensitive": "allow_insensitive",
}
"""Keyword arguments of public functions."""

KEYS = {
    "abilities": "abilities",
    "failing": "failing",
    "pictures": "pictures",
    "share": "share",
    "d_loss": "d_loss",
    "d_real": "d_real",
    "d_fake": "d_fake",
    "g_loss": "g_loss",
    "variety": "variety",
    "coverage": "coverage",
    "kernel": "kernel",
    "spread": "spread",
    "figures": "figures",
    "whole": "whole",
    "place": "place",
}
"""Keys of JSON that schema 1 does not fix: bodies, image metadata, logs, scores, reports."""

REPORT = {
    "accuracy_hair": "accuracy_hair",
    "accuracy_eyes": "accuracy_eyes",
    "judge_coverage": "judge_coverage",
    "judge_kernel": "judge_kernel",
    "spread_pixels": "spread_pixels",
    "spread_features": "spread_features",
    "copied": "copied",
    "distance_ratio": "distance_ratio",
}
"""Names of the metrics in the report of `eval-gan score`."""

METRICS = {
    "ganport_requests_total": "ganport_requests_total",
    "ganport_images_total": "ganport_images_total",
    "ganport_batches_total": "ganport_batches_total",
    "ganport_queue_seconds": "ganport_queue_seconds",
    "ganport_compute_seconds": "ganport_compute_seconds",
    "ganport_encode_seconds": "ganport_encode_seconds",
    "ganport_queued_images": "ganport_queued_images",
    "ganport_running_images": "ganport_running_images",
    "ganport_unanswered_total": "ganport_unanswered_total",
    "ganport_healthy": "ganport_healthy",
    "ganport_device_info": "ganport_device_info",
}
"""Metrics of the service, without the suffixes of a histogram."""

HEADERS = {
    "ganport-seeds": "ganport-seeds",
    "ganport-device": "ganport-device",
    "ganport-shape": "ganport-shape",
    "server-timing": "server-timing",
    "x-request-id": "x-request-id",
}
"""Headers of the service."""

FILES = {
    "config.toml": "config.toml",
    "stats.jsonl": "stats.jsonl",
    "scores.jsonl": "scores.jsonl",
    "report.json": "report.json",
    "report.html": "report.html",
    "compare.json": "compare.json",
    "compare.html": "compare.html",
    "generator.phase.onnx": "generator.phase.onnx",
    "networks.safetensors": "networks.safetensors",
    "tests/runtime/data": "tests/runtime/data",
}
"""Files that commands write, and the folder of the tiny bundles."""

WEIGHTS: dict[str, str] = {}
"""Names of tensors in a checkpoint, where a network or a layer was renamed."""
