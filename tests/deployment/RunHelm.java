import com.marcnuri.helm.Helm;
import com.marcnuri.helm.LintResult;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Runs Helm on a chart: each line of standard input asks for one thing, each is answered by one line.
 *
 * <p>Asked, with tabs between: `lint`, `template` or `notes`, the chart, a file of values, a version of Kubernetes, and a file
 * to write to. Answered: `ok` or `failed`; what was rendered or said is in that file.
 */
public final class RunHelm {
  public static void main(String[] arguments) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] asked = line.split("\t");
      String said;
      boolean isGood = true;
      try {
        said = ask(asked[0], new Helm(Path.of(asked[1])), Path.of(asked[2]), asked[3]);
      } catch (RuntimeException error) {
        isGood = false;
        said = String.valueOf(error.getMessage());
      }
      Files.writeString(Path.of(asked[4]), said);
      System.out.println(isGood ? "ok" : "failed");
    }
  }

  private static String ask(String what, Helm chart, Path values, String kubernetes) {
    if (what.equals("lint")) {
      LintResult result = chart.lint().strict().call();
      String said = String.join("\n", result.getMessages());
      if (result.isFailed()) {
        throw new IllegalStateException(said);
      }
      return said;
    }
    if (what.equals("notes")) {
      return chart.install().withName("crd").withNamespace("payer").clientOnly().dryRun()
          .withValuesFile(values).withKubeVersion(kubernetes).call().getOutput();
    }
    return chart.template().withName("crd").withNamespace("payer")
        .withValuesFile(values).withKubeVersion(kubernetes).call();
  }
}
