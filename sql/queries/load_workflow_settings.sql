select w.workflow, w.paused, w.concurrency from cascade.workflow_setting w
