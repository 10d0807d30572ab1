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

variable "gateways" {
  description = "Gateway tasks."
  type        = number
  default     = 2
}

variable "workers" {
  description = "Worker tasks."
  type        = number
  default     = 1
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

variable "drain_delay_ms" {
  description = "How long a stopping gateway goes on answering: longer than the load balancer takes to see that it is not ready."
  type        = number
  default     = 15000
}

variable "drain_ms" {
  description = "How long requests and jobs may then take to end."
  type        = number
  default     = 60000

  validation {
    condition     = var.drain_ms + var.drain_delay_ms <= 115000
    error_message = "drain_ms and drain_delay_ms may be 115,000 together: Fargate kills a task after 120 s."
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
