output "marrow_environment" {
  description = "What Marrow needs to connect, but for secrets."
  value = {
    MARROW_REDIS_URL = "rediss://${aws_elasticache_replication_group.this.primary_endpoint_address}:6379"
  }
}

output "marrow_secrets" {
  description = "The secrets of the connection: put them into your store of secrets."
  sensitive   = true
  value = {
    MARROW_REDIS_PASSWORD = var.auth_token
  }
}
