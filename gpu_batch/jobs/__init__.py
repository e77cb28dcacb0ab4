"""What runs on Batch: one module a job, `python -m jobs.<name>`. A job talks to presigned URLs and to nothing else."""
