# Memorystore for Valkey. Its only authentication is by IAM tokens that end within the hour. A gateway reads one password from its environment, so
# authentication is off here and the private network decides who connects; in the library, connect(url, { credentials }) asks for tokens.

resource "google_network_connectivity_service_connection_policy" "this" {
  name          = var.name
  project       = var.project_id
  location      = var.location
  service_class = "gcp-memorystore"
  description   = "Marrow to Memorystore"
  network       = var.network_id

  psc_config {
    subnetworks = var.subnetwork_ids
  }
}

resource "google_memorystore_instance" "this" {
  instance_id                 = var.name
  project                     = var.project_id
  location                    = var.location
  engine_version              = var.engine_version
  node_type                   = var.node_type
  mode                        = "CLUSTER"
  shard_count                 = var.shards
  replica_count               = var.replicas
  authorization_mode          = "AUTH_DISABLED"
  transit_encryption_mode     = "SERVER_AUTHENTICATION"
  deletion_protection_enabled = true
  labels                      = var.labels

  engine_configs = {
    maxmemory-policy = "noeviction"
  }

  desired_auto_created_endpoints {
    network    = var.network_id
    project_id = var.project_id
  }

  persistence_config {
    mode = "AOF"

    aof_config {
      append_fsync = "ALWAYS"
    }
  }

  zone_distribution_config {
    mode = "MULTI_ZONE"
  }

  depends_on = [google_network_connectivity_service_connection_policy.this]
}
