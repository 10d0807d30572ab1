# Redis Cloud, a Pro subscription with one database. Its defaults keep nothing on disk and evict keys that have an end: Marrow needs the
# opposite of both.

resource "rediscloud_subscription" "this" {
  name              = var.name
  payment_method    = var.payment_method_id == null ? "marketplace" : "credit-card"
  payment_method_id = var.payment_method_id
  memory_storage    = "ram"

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
  redis_version                = var.redis_version
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

# The ways from your network to the database's that do not lead over the Internet. Without one of them the private endpoint cannot be reached.

# Peering with a VPC of AWS: accept it there, and add a route to var.deployment_cidr.
resource "rediscloud_subscription_peering" "aws" {
  count = var.aws_peering == null ? 0 : 1

  subscription_id = rediscloud_subscription.this.id
  provider_name   = "AWS"
  region          = var.aws_peering.region
  aws_account_id  = var.aws_peering.account_id
  vpc_id          = var.aws_peering.vpc_id
  vpc_cidrs       = var.aws_peering.vpc_cidrs

  lifecycle {
    precondition {
      condition     = var.cloud == "AWS"
      error_message = "aws_peering needs cloud = \"AWS\"."
    }
  }
}

# Peering with a network of Google Cloud: make the opposite peering there.
resource "rediscloud_subscription_peering" "gcp" {
  count = var.gcp_peering == null ? 0 : 1

  subscription_id  = rediscloud_subscription.this.id
  provider_name    = "GCP"
  gcp_project_id   = var.gcp_peering.project_id
  gcp_network_name = var.gcp_peering.network_name

  lifecycle {
    precondition {
      condition     = var.cloud == "GCP"
      error_message = "gcp_peering needs cloud = \"GCP\"."
    }
  }
}

# AWS PrivateLink: a resource share that the principals accept, and attach an endpoint to.
resource "rediscloud_private_link" "this" {
  count = var.private_link == null ? 0 : 1

  subscription_id = rediscloud_subscription.this.id
  share_name      = var.private_link.share_name

  dynamic "principal" {
    for_each = var.private_link.principals

    content {
      principal       = principal.value.principal
      principal_type  = principal.value.type
      principal_alias = principal.key
    }
  }

  # The link lists the databases that exist when it is made.
  depends_on = [rediscloud_subscription_database.this]

  lifecycle {
    precondition {
      condition     = var.cloud == "AWS"
      error_message = "private_link needs cloud = \"AWS\"."
    }
  }
}
