variable "name" {
  description = "Name of the instance: 4 to 63 lower-case letters, digits and hyphens."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.name))
    error_message = "name must have 4 to 63 lower-case letters, digits and hyphens."
  }
}

variable "project_id" {
  description = "The project."
  type        = string
}

variable "location" {
  description = "The region."
  type        = string
  default     = "europe-west1"
}

variable "network_id" {
  description = "The VPC network, as projects/PROJECT/global/networks/NAME."
  type        = string
}

variable "subnetwork_ids" {
  description = "Subnetworks of it for the endpoints."
  type        = list(string)
}

variable "engine_version" {
  description = "Version of Valkey."
  type        = string
  default     = "VALKEY_8_0"
}

variable "node_type" {
  description = "Type of a node, by `marrow size`."
  type        = string
  default     = "HIGHMEM_MEDIUM"
}

variable "shards" {
  description = "Shards. Keys of one user or tenant are in one shard."
  type        = number
  default     = 1

  validation {
    condition     = var.shards >= 1
    error_message = "shards must be at least 1."
  }
}

variable "replicas" {
  description = "Replicas of each shard. 0 only for trials."
  type        = number
  default     = 1
}

variable "labels" {
  description = "Labels of the instance."
  type        = map(string)
  default     = {}
}
