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
