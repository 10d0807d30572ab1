variable "name" {
  description = "Name of the replication group: 1 to 40 lower-case letters, digits and hyphens."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,39}$", var.name))
    error_message = "name must begin with a letter and have at most 40 lower-case letters, digits and hyphens."
  }
}

variable "engine_version" {
  description = "Version of Valkey. 9.0 and newer find text beside vectors and have 1,000 indexes; 8.2 has ten."
  type        = string
  default     = "9.0"

  validation {
    condition     = tonumber(split(".", var.engine_version)[0]) * 10 + tonumber(split(".", var.engine_version)[1]) >= 82
    error_message = "engine_version must be 8.2 or newer: older ones have no vector search."
  }
}

variable "node_type" {
  description = "Type of a node, by `marrow size`. Types with data tiering (r6gd) have no search."
  type        = string
  default     = "cache.r7g.large"

  validation {
    condition     = !can(regex("r6gd", var.node_type))
    error_message = "node_type must not be of the family r6gd, which has no search."
  }
}

variable "replicas" {
  description = "Replicas beside the primary, each in another zone. 0 only for trials."
  type        = number
  default     = 1

  validation {
    condition     = var.replicas >= 0 && var.replicas <= 5
    error_message = "replicas must be 0 to 5."
  }
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the nodes, in at least two zones."
  type        = list(string)
}

variable "client_security_group_ids" {
  description = "Security groups of those who may connect: the gateways and workers."
  type        = list(string)
}

variable "auth_token" {
  description = "The password: 16 to 128 printable characters."
  type        = string
  sensitive   = true

  validation {
    condition     = length(var.auth_token) >= 16 && length(var.auth_token) <= 128
    error_message = "auth_token must have 16 to 128 characters."
  }
}

variable "snapshot_days" {
  description = "Days that daily snapshots are kept."
  type        = number
  default     = 7
}

variable "maintenance_window" {
  description = "When ElastiCache may fail over for its maintenance, in UTC."
  type        = string
  default     = "sun:04:00-sun:05:00"
}

variable "tags" {
  description = "Tags of everything that has some."
  type        = map(string)
  default     = {}
}
