# Credentials come from REDISCLOUD_ACCESS_KEY and REDISCLOUD_SECRET_KEY.
provider "rediscloud" {}

module "redis" {
  source = "../../redis-cloud"

  name                  = "marrow"
  region                = "eu-west-1"
  dataset_size_in_gb    = 5
  operations_per_second = 10000
  source_ips            = ["10.20.0.0/16"]
}

output "marrow_environment" {
  value = module.redis.marrow_environment
}
