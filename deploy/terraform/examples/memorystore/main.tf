provider "google" {
  project = "my-project"
  region  = "europe-west1"
}

module "valkey" {
  source = "../../memorystore"

  name           = "marrow"
  project_id     = "my-project"
  network_id     = "projects/my-project/global/networks/main"
  subnetwork_ids = ["projects/my-project/regions/europe-west1/subnetworks/main"]
}

output "marrow_environment" {
  value = module.valkey.marrow_environment
}
