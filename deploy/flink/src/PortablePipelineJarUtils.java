package org.apache.beam.runners.jobsubmission;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import org.apache.beam.model.pipeline.v1.RunnerApi;
import org.apache.beam.vendor.grpc.v1p69p0.com.google.protobuf.Message;
import org.apache.beam.vendor.grpc.v1p69p0.com.google.protobuf.Struct;
import org.apache.beam.vendor.grpc.v1p69p0.com.google.protobuf.util.JsonFormat;

/**
 * Reads the pipeline that Beam's Python side adds to a copy of the jar. The layout is that of UberJarBeamJob in
 * apache_beam/runners/portability/abstract_job_service.py.
 */
public final class PortablePipelineJarUtils {
  private PortablePipelineJarUtils() {}

  public static String getDefaultJobName() throws IOException {
    return read("pipeline-manifest.json", Struct.newBuilder())
        .build()
        .getFieldsOrThrow("defaultJobName")
        .getStringValue();
  }

  public static RunnerApi.Pipeline getPipelineFromClasspath(String jobName) throws IOException {
    return read(jobName + "/pipeline.json", RunnerApi.Pipeline.newBuilder()).build();
  }

  public static Struct getPipelineOptionsFromClasspath(String jobName) throws IOException {
    return read(jobName + "/pipeline-options.json", Struct.newBuilder()).build();
  }

  private static <B extends Message.Builder> B read(String name, B message) throws IOException {
    // The job's own jar, also where the cluster has these classes already.
    var job = Thread.currentThread().getContextClassLoader();
    var stream = job.getResourceAsStream("BEAM-PIPELINE/" + name);
    if (stream == null) {
      throw new FileNotFoundException("the jar has no BEAM-PIPELINE/" + name);
    }
    try (Reader reader = new InputStreamReader(stream, StandardCharsets.UTF_8)) {
      JsonFormat.parser().merge(reader, message);
    }
    return message;
  }
}
