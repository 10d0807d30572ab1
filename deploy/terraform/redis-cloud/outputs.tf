output "marrow_environment" {
  description = "What Marrow needs to connect, but for secrets."
  value = {
    MARROW_REDIS_URL = "rediss://${rediscloud_subscription_database.this.private_endpoint}"
  }
}

output "marrow_secrets" {
  description = "The secrets of the connection: put them into your store of secrets."
  sensitive   = true
  value = {
    MARROW_REDIS_PASSWORD = rediscloud_subscription_database.this.password
  }
}

output "aws_peering_id" {
  description = "The peering to accept in AWS; null without aws_peering."
  value       = one(rediscloud_subscription_peering.aws[*].aws_peering_id)
}

output "gcp_peer_network" {
  description = "The network for the opposite peering in Google Cloud; null without gcp_peering."
  value = one([
    for peering in rediscloud_subscription_peering.gcp :
    "https://www.googleapis.com/compute/v1/projects/${peering.gcp_redis_project_id}/global/networks/${peering.gcp_redis_network_name}"
  ])
}

output "private_link" {
  description = "The share to accept, the resource configuration to attach an endpoint to, and the endpoint of each database; null without private_link."
  value = one([
    for link in rediscloud_private_link.this : {
      share_arn                  = link.share_arn
      resource_configuration_arn = link.resource_configuration_arn
      databases                  = link.databases
    }
  ])
}
