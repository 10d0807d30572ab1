terraform {
  required_version = ">= 1.5.0"

  required_providers {
    rediscloud = {
      source  = "RedisLabs/rediscloud"
      version = ">= 2.5.0, < 3.0.0"
    }
  }
}
