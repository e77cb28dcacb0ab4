"""What runs in the sandboxed child: each task is a module with `run(request)`, a generator of answers."""
