variable "name" {
  description = "Name of the cluster: 1 to 40 lower-case letters, digits and hyphens."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,39}$", var.name))
    error_message = "name must begin with a letter and have at most 40 lower-case letters, digits and hyphens."
  }
}

variable "engine" {
  description = "The engine."
  type        = string
  default     = "valkey"

  validation {
    condition     = contains(["redis", "valkey"], var.engine)
    error_message = "engine must be redis or valkey."
  }
}

variable "engine_version" {
  description = "Version of the engine."
  type        = string
  default     = "7.2"
}

variable "parameter_group_name" {
  description = "A parameter group with search on, chosen when the cluster is made: AWS lists those of your engine (aws memorydb describe-parameter-groups). Without search Marrow compares vectors itself."
  type        = string
}

variable "node_type" {
  description = "Type of a node, by `marrow size`."
  type        = string
  default     = "db.r7g.large"
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

variable "user_name" {
  description = "The user as whom Marrow connects."
  type        = string
  default     = "marrow"
}

variable "app" {
  description = "Marrow's app, the first part of every key (MARROW_APP)."
  type        = string
  default     = "marrow"

  validation {
    condition     = can(regex("^[a-z0-9-]{1,64}$", var.app))
    error_message = "app must have 1 to 64 lower-case letters, digits and hyphens."
  }
}

variable "password" {
  description = "The user's password: 16 to 128 printable characters."
  type        = string
  sensitive   = true

  validation {
    condition     = length(var.password) >= 16 && length(var.password) <= 128
    error_message = "password must have 16 to 128 characters."
  }
}

variable "snapshot_days" {
  description = "Days that daily snapshots are kept."
  type        = number
  default     = 7
}

variable "maintenance_window" {
  description = "When MemoryDB may fail over for its maintenance, in UTC."
  type        = string
  default     = "sun:04:00-sun:05:00"
}

variable "tags" {
  description = "Tags of everything that has some."
  type        = map(string)
  default     = {}
}
