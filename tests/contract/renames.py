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
    "sample-gan pairs": "list",
    "sample-gan manipulate": "edit",
    "ganport dataset": "dataset",
    "ganport dataset draw": "draw",
    "ganport dataset check": "check",
    "ganport study": "study",
    "eval-gan judge": "judge",
    "eval-gan score": "score",
    "eval-gan compare": "compare",
    "eval-gan colours": "colors",
}
"""The last word of a command."""

SERVE_OPTIONS = ("--no-page",)
"""Options with which today's service has the routes of that commit: `/` was no route."""

OPTIONS = {
    "--take": "--checkpoint",
    "--phase": "--polyphase",
    "--spinning": "--allow-spinning",
    "--notice": "--shutdown-delay",
    "--drain": "--shutdown-timeout",
    "--over": "--group",
    "--whole": "--no-crop",
    "--strengths": "--strengths",
    "--rate": "--learning-rate",
    "--batch": "--batch-size",
    "--held-out": "--val-fraction",
    "--kind": "--format",
    "--draws": "--prompt-rounds",
}
"""Options of any command."""

RECIPE = {
    "data.held_out": "data.val_fraction",
    "data.coding": "data.condition_encoding",
    "network.features": "network.base_channels",
    "network.latent": "network.z_dim",
    "network.embedding": "network.embed_dim",
    "network.levels": "network.num_levels",
    "network.blocks": "network.num_blocks",
    "method.spread": "method.diversity_weight",
    "method.mismatch": "method.mismatch_weight",
    "method.penalty": "method.gp_weight",
    "method.interval": "method.reg_interval",
    "method.smoothing": "method.label_smoothing",
    "method.reconstruction": "method.cycle_weight",
    "method.clip": "method.weight_clip",
    "method.discriminator_steps": "method.discriminator_steps",
    "optimizer.generator_rate": "optimizer.generator_lr",
    "optimizer.discriminator_rate": "optimizer.discriminator_lr",
    "optimizer.decay": "optimizer.lr_decay_images",
    "optimizer.final_share": "optimizer.final_lr_ratio",
    "augment.growth": "augment.ada_images",
    "augment.target": "augment.ada_target",
    "average.half_life": "ema.half_life",
    "average.ramp": "ema.rampup_ratio",
    "average.refresh": "ema.bn_calibration_images",
    "training.batch": "training.batch_size",
    "training.seed": "training.seed",
    "training.precision": "training.precision",
    "recovery.share": "recovery.lr_factor",
    "length.images": "length.max_images",
    "logging.tick": "logging.log_interval",
    "logging.save_minutes": "logging.checkpoint_minutes",
    "logging.score_pictures": "logging.eval_images",
    "logging.warm_up": "logging.collapse_grace_images",
    "data.kind": "data.format",
    "method.classify_drawn": "method.classify_fake",
    "augment.colour": "augment.color",
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
    "ganport_runtime.noise.consecutive": "ganport_runtime.noise.seed_range",
    "ganport_runtime.interpolation.spherical": "ganport_runtime.generation.interpolation.spherical",
    "ganport_runtime.pictures.metadata": "ganport_runtime.images.encode.read_metadata",
    "ganport_runtime.decoding.decode_picture": "ganport_runtime.images.decode.decode_image",
    "ganport_runtime.sheet.grid": "ganport_runtime.images.sheet.make_sheet",
    "ganport_export.Interface": "ganport_export.Interface",
    "ganport_export.export": "ganport_export.export",
    "ganport_export.ContractError": "ganport_export.ContractError",
    "ganport_export.OptionError": "ganport_export.OptionError",
    "ganport_export.ParityError": "ganport_export.ParityError",
    "ganport_export.UnsupportedError": "ganport_export.UnsupportedError",
}
"""Names that the documentation gives to users, with their modules."""

ATTRIBUTES = {
    "abilities": "capabilities",
    "best_batch": "preferred_batch_size",
    "device": "device",
    "directions": "directions",
    "draw": "run_rows",
    "generate": "generate",
    "job": "prepare",
    "last_seeds": "last_seeds",
    "noise": "noise",
    "submit": "submit",
    "submit_job": "submit_request",
    "agenerate": "agenerate",
    "arun": "asubmit",
    "translation_job": "prepare_translation",
    "retry_after": "retry_after",
    "exit_code": "exit_code",
    "one_hots": "one_hots",
    "encode_many": "encode_many",
}
"""Methods and properties of public objects."""

ARGUMENTS = {
    "spinning": "allow_spinning",
    "in_place": "inline_budget",
    "stuck_after": "stall_timeout",
    "max_batch": "max_batch",
    "max_queue": "max_queue",
    "resolution": "resolution",
    "precision": "precision",
    "overwrite": "overwrite",
    "allow_insensitive": "allow_insensitive",
}
"""Keyword arguments of public functions."""

KEYS: dict[str, dict[str, str]] = {
    "request": {"whole": "whole"},
    "service": {
        "abilities": "abilities",
        "failing": "failing",
        "pictures": "pictures",
        "place": "place",
    },
    "metadata": {"share": "share"},
    "dataset": {"pictures": "images", "errors": "errors", "sizes": "sizes"},
    "stats": {
        "d_loss": "d_loss",
        "d_real": "d_real",
        "d_fake": "d_fake",
        "g_loss": "g_loss",
    },
    "scores": {"coverage": "coverage", "kernel": "kernel", "spread": "spread"},
    "report": {"figures": "metrics"},
}
"""Keys of JSON that schema 1 does not fix: bodies of requests, answers of the service, metadata of
images, the report of `ganport dataset check`, logs, scores, the report of `eval-gan score`."""

ADDED = {"service": {"mode", "pixelated", "palette", "alpha_levels", "noise"}}
"""Keys that today's JSON has in addition, which a reader of that commit ignores."""

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
"""Names of tensors in a checkpoint: a regular expression, and what replaces its matches."""

SCHEMA = 2
"""The schema of manifests that are written today."""
IMAGES: dict[str, dict[str, object]] = {
    "uint8": {"mode": "rgb", "range": "uint8", "layout": "NHWC"},
    "float32": {"mode": "rgb", "range": "signed", "layout": "NCHW"},
}
"""What a manifest of today says of images besides their size, by the `dtype` of schema 1."""
