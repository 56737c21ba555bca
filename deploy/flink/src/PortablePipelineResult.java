package org.apache.beam.runners.jobsubmission;

import org.apache.beam.model.jobmanagement.v1.JobApi;
import org.apache.beam.sdk.PipelineResult;

/** What a pipeline came to, with its metrics; the runner implements it. */
public interface PortablePipelineResult extends PipelineResult {
  JobApi.MetricResults portableMetrics() throws UnsupportedOperationException;
}
