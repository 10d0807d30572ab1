variable "name" {
  description = "Name of the services."
  type        = string
  default     = "marrow"
}

variable "region" {
  description = "The region, for the log."
  type        = string
}

variable "cluster_arn" {
  description = "The ECS cluster."
  type        = string
}

variable "image" {
  description = "The image, with a tag or a digest."
  type        = string
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of the tasks, in at least two zones."
  type        = list(string)
}

variable "load_balancer_security_group_ids" {
  description = "Security groups of the load balancer."
  type        = list(string)
}

variable "listener_arn" {
  description = "The HTTPS listener of an application load balancer."
  type        = string
}

variable "hosts" {
  description = "Names by which clients call the gateway."
  type        = list(string)
}

variable "environment" {
  description = "Variables of gateway and worker: the output marrow_environment of the other modules, and more."
  type        = map(string)
  default     = {}
}

variable "secret_arns" {
  description = "Secrets of gateway and worker: name of the variable, and ARN in Secrets Manager or the parameter store."
  type        = map(string)
  default     = {}
}

variable "kms_key_arns" {
  description = "Keys of KMS that the secrets are encrypted with, where these are your own."
  type        = list(string)
  default     = []
}

variable "gateways" {
  description = "Gateway tasks, at least."
  type        = number
  default     = 2
}

variable "gateways_max" {
  description = "Gateway tasks, at most: more than gateways lets their CPU decide."
  type        = number
  default     = 10
}

variable "workers" {
  description = "Worker tasks, at least."
  type        = number
  default     = 1
}

variable "workers_max" {
  description = "Worker tasks, at most: more than workers lets their CPU decide."
  type        = number
  default     = 4
}

variable "cpu_percent" {
  description = "The CPU that the number of tasks is kept at."
  type        = number
  default     = 70

  validation {
    condition     = var.cpu_percent >= 10 && var.cpu_percent <= 95
    error_message = "cpu_percent must be 10 to 95."
  }
}

variable "cpu" {
  description = "CPU units of a task. A gateway uses one CPU."
  type        = number
  default     = 1024
}

variable "memory" {
  description = "Memory of a task, in MiB."
  type        = number
  default     = 2048
}

variable "health_path" {
  description = "What the load balancer asks. /healthz keeps gateways while Redis is unavailable, and the model answers chats; ECS replaces a task that fails its check, so /readyz would end every healthy gateway then."
  type        = string
  default     = "/healthz"

  validation {
    condition     = contains(["/healthz", "/readyz"], var.health_path)
    error_message = "health_path must be /healthz or /readyz."
  }
}

variable "health_grace_seconds" {
  description = "How long a gateway that starts may fail the load balancer's check."
  type        = number
  default     = 60

  validation {
    condition     = var.health_grace_seconds >= 10 && var.health_grace_seconds <= 3600
    error_message = "health_grace_seconds must be 10 to 3,600."
  }
}

variable "drain_delay_ms" {
  description = "How long a stopping gateway goes on answering: longer than the load balancer takes to take it out. With drain_ms 115,000 at most."
  type        = number
  default     = 15000

  validation {
    condition     = var.drain_delay_ms >= 0 && var.drain_delay_ms <= 115000
    error_message = "drain_delay_ms must be 0 to 115,000."
  }
}

variable "drain_ms" {
  description = "How long requests and jobs may then take to end. With drain_delay_ms 115,000 at most."
  type        = number
  default     = 60000

  validation {
    condition     = var.drain_ms >= 0 && var.drain_ms <= 115000
    error_message = "drain_ms must be 0 to 115,000: Fargate kills a task after 120 s."
  }
}

variable "log_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 30
}

variable "tags" {
  description = "Tags of everything that has some."
  type        = map(string)
  default     = {}
}
