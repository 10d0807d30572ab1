# Redis Cloud, a Pro subscription with one database. Its defaults keep nothing on disk and evict keys that have an end: Marrow needs the
# opposite of both.

resource "rediscloud_subscription" "this" {
  name              = var.name
  payment_method    = var.payment_method_id == null ? "marketplace" : "credit-card"
  payment_method_id = var.payment_method_id
  memory_storage    = "ram"
  redis_version     = var.redis_version

  cloud_provider {
    provider = var.cloud

    region {
      region                       = var.region
      multiple_availability_zones  = true
      networking_deployment_cidr   = var.deployment_cidr
      preferred_availability_zones = []
    }
  }

  # Only looked at when the subscription is made.
  creation_plan {
    dataset_size_in_gb           = var.dataset_size_in_gb
    quantity                     = 1
    replication                  = true
    throughput_measurement_by    = "operations-per-second"
    throughput_measurement_value = var.operations_per_second
  }
}

resource "rediscloud_subscription_database" "this" {
  subscription_id              = rediscloud_subscription.this.id
  name                         = var.name
  protocol                     = "redis"
  dataset_size_in_gb           = var.dataset_size_in_gb
  throughput_measurement_by    = "operations-per-second"
  throughput_measurement_value = var.operations_per_second
  replication                  = true
  data_persistence             = "aof-every-write"
  data_eviction                = "noeviction"
  enable_tls                   = true
  support_oss_cluster_api      = false
  source_ips                   = var.source_ips
  password                     = var.password

  alert {
    name  = "dataset-size"
    value = 80
  }

  # It holds sessions, keys and jobs: take this block away to delete it.
  lifecycle {
    prevent_destroy = true
  }
}
