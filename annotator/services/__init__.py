"""What users do with a project, one package for each activity; `app.Services` bundles them."""
