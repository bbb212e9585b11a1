"""A finished run, where a team already looks: TensorBoard or MLflow, with curves, tables, the report and the models."""
