variable "name" {
  description = "Name of the subscription and its database."
  type        = string
}

variable "redis_version" {
  description = "Version of Redis. From 8.0 on search and vector sets are part of it."
  type        = string
  default     = "8.0"

  validation {
    condition     = tonumber(split(".", var.redis_version)[0]) >= 8
    error_message = "redis_version must be 8.0 or newer."
  }
}

variable "cloud" {
  description = "The cloud: AWS or GCP."
  type        = string
  default     = "AWS"

  validation {
    condition     = contains(["AWS", "GCP"], var.cloud)
    error_message = "cloud must be AWS or GCP."
  }
}

variable "region" {
  description = "The region, near the gateways."
  type        = string
  default     = "eu-west-1"
}

variable "deployment_cidr" {
  description = "A network of 24 bits for the subscription that overlaps none of yours, nor of the networks that are peered with it."
  type        = string
  default     = "10.90.0.0/24"
}

variable "payment_method_id" {
  description = "Id of a payment method of the account; null for one of a marketplace."
  type        = number
  default     = null
}

variable "dataset_size_in_gb" {
  description = "How much data there is at most, by `marrow size`, replicas not counted."
  type        = number
  default     = 1

  validation {
    condition     = var.dataset_size_in_gb > 0
    error_message = "dataset_size_in_gb must be over 0."
  }
}

variable "operations_per_second" {
  description = "Commands a second at most. A chat request takes about six."
  type        = number
  default     = 5000
}

variable "source_ips" {
  description = "Networks that may connect. At least one: the database would be open to the Internet."
  type        = list(string)

  validation {
    condition     = length(var.source_ips) > 0
    error_message = "source_ips must name at least one network."
  }
}

variable "password" {
  description = "The password of the database; null for one that Redis Cloud makes."
  type        = string
  default     = null
  sensitive   = true
}

variable "aws_peering" {
  description = "A VPC of AWS to peer with, which then reaches the private endpoint; null for none."
  type = object({
    account_id = string
    region     = string
    vpc_id     = string
    vpc_cidrs  = list(string)
  })
  default = null
}

variable "gcp_peering" {
  description = "A network of Google Cloud to peer with, which then reaches the private endpoint; null for none."
  type = object({
    project_id   = string
    network_name = string
  })
  default = null
}

variable "private_link" {
  description = "An AWS PrivateLink, and by a name of yours the principals that may use it; null for none. Types: aws_account, organization, organization_unit, iam_role, iam_user, service_principal."
  type = object({
    share_name = string
    principals = map(object({ principal = string, type = string }))
  })
  default = null
}
