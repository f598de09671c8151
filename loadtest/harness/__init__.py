"""Parts of loadtest/compare. One concept a module: server, systems, load, workloads, report."""
