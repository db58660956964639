import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.context.support.IValidationSupport.IssueSeverity;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.SingleValidationMessage;
import ca.uhn.fhir.validation.ValidationOptions;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.UnknownCodeSystemWarningValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.r5.utils.validation.constants.BestPracticeWarningLevel;

/**
 * Validates FHIR R4 resources, each against a version of a guide: {@code java Validate 2.0=FOLDER 2.1=FOLDER ...}.
 *
 * <p>A line of stdin is {@code {"version": "2.0", "profiles": [URL, ...], "resource": "TEXT"}}; each is answered by one
 * line of stdout: a list of {@code {"severity", "location", "id", "message"}}.
 */
public final class Validate {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final FhirContext context = FhirContext.forR4();
    private final DefaultProfileValidationSupport core = new DefaultProfileValidationSupport(context);
    private final Map<String, FhirValidator> validators = new HashMap<>();

    public static void main(String[] arguments) throws IOException {
        Locale.setDefault(Locale.ENGLISH);
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err); // the engine prints where it sees fit
        Validate validate = new Validate();
        for (String argument : arguments) {
            String[] versionAndFolder = argument.split("=", 2);
            validate.addVersion(versionAndFolder[0], Path.of(versionAndFolder[1]));
        }
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            answers.println(JSON.writeValueAsString(validate.answer(JSON.readTree(line))));
        }
    }

    private void addVersion(String version, Path folder) throws IOException {
        UnknownCodeSystemWarningValidationSupport unknown = new UnknownCodeSystemWarningValidationSupport(context);
        unknown.setNonExistentCodeSystemSeverity(IssueSeverity.INFORMATION); // CPT, HCPCS: nobody has them here
        ValidationSupportChain chain = new ValidationSupportChain(
                new Definitions(context, core).read(folder),
                core,
                new InMemoryTerminologyServerValidationSupport(context),
                new CommonCodeSystemsTerminologyService(context),
                new SnapshotGeneratingValidationSupport(context),
                unknown);
        FhirInstanceValidator module = new FhirInstanceValidator(chain);
        module.setBestPracticeWarningLevel(BestPracticeWarningLevel.Ignore);
        module.setAssumeValidRestReferences(true);
        validators.put(version, context.newValidator().registerValidatorModule(module));
    }

    private ArrayNode answer(JsonNode asked) {
        ValidationOptions options = new ValidationOptions();
        asked.path("profiles").forEach(profile -> options.addProfile(profile.asText()));
        FhirValidator validator = validators.get(asked.path("version").asText());
        ArrayNode findings = JSON.createArrayNode();
        for (SingleValidationMessage message : validator
                .validateWithResult(asked.path("resource").asText(), options)
                .getMessages()) {
            findings.addObject()
                    .put("severity", message.getSeverity().getCode())
                    .put("location", message.getLocationString())
                    .put("id", message.getMessageId())
                    .put("message", message.getMessage());
        }
        return findings;
    }
}
