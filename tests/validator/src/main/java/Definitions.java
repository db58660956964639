import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.r4.model.CodeSystem;
import org.hl7.fhir.r4.model.Resource;
import org.hl7.fhir.r4.model.StructureDefinition;
import org.hl7.fhir.r4.model.ValueSet;

/** Reads the definitions of one version of a guide from the JSON files of a folder. */
final class Definitions {
    private static final String R4 = "http://hl7.org/fhir/StructureDefinition/";

    private final FhirContext context;
    private final DefaultProfileValidationSupport core;

    Definitions(FhirContext context, DefaultProfileValidationSupport core) {
        this.context = context;
        this.core = core;
    }

    PrePopulatedValidationSupport read(Path folder) throws IOException {
        PrePopulatedValidationSupport found = new PrePopulatedValidationSupport(context);
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.filter(Definitions::isDefinition).sorted().toList()) {
                add(found, (Resource) context.newJsonParser().parseResource(Files.readString(file)));
            }
        }
        return found;
    }

    private static boolean isDefinition(Path file) {
        return file.getFileName().toString().matches("(StructureDefinition|ValueSet|CodeSystem)-.*\\.json");
    }

    private void add(PrePopulatedValidationSupport found, Resource resource) {
        if (resource instanceof StructureDefinition profile) {
            found.addStructureDefinition(withKnownBase(profile));
        } else if (resource instanceof ValueSet valueSet) {
            found.addValueSet(valueSet);
        } else if (resource instanceof CodeSystem codeSystem) {
            found.addCodeSystem(codeSystem);
        }
    }

    /** The guide's Encounter is derived from US Core's, which is not here; what that adds is in the published snapshot. */
    private StructureDefinition withKnownBase(StructureDefinition profile) {
        if (core.fetchStructureDefinition(profile.getBaseDefinition()) == null) {
            profile.setBaseDefinition(R4 + profile.getType());
        }
        return profile;
    }
}
