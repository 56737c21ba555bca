"""Pages about a trained model.

Whoever measures fills the records: trainer.probes by way of their JSON, pipelines.analysis and the command line. Each
render_page(report, versions) takes the versions of the packages that the model ran on.
"""
